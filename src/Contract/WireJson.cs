using System.Text.Encodings.Web;
using System.Text.Json;

namespace Strongroom.Contract;

/// <summary>How every JSON text of the service is written: UTF-8 as it is, and only what JSON demands escaped.</summary>
public static class WireJson
{
    // The answers are application/json with nosniff, never part of a page, so names in any script stay readable.
    public static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    public static readonly JsonWriterOptions Writing = new() { Encoder = Encoder };
}
