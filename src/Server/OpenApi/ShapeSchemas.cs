using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Strongroom.Server.OpenApi;

/// <summary>
/// JSON schemas of the shapes that go out, from the same type information that writes them: a member is required when it is
/// always written, and may be null when its type says so. Every record becomes a component of its own.
/// </summary>
internal sealed class ShapeSchemas
{
    private readonly SortedDictionary<string, JsonObject> components = new(StringComparer.Ordinal);
    private readonly NullabilityInfoContext nullability = new();

    /// <summary>Of all shapes so far.</summary>
    public JsonObject Components => new(components.Select(component => new KeyValuePair<string, JsonNode?>(component.Key, component.Value.DeepClone())));

    public JsonObject Of(JsonTypeInfo info)
    {
        Type type = Nullable.GetUnderlyingType(info.Type) ?? info.Type;
        if (Simple(type) is { } simple)
            return new JsonObject { ["type"] = simple };
        return info.Kind switch
        {
            JsonTypeInfoKind.Enumerable => new JsonObject { ["type"] = "array", ["items"] = OfElement(info) },
            JsonTypeInfoKind.Dictionary => new JsonObject { ["type"] = "object", ["additionalProperties"] = OfElement(info) },
            JsonTypeInfoKind.Object => Reference(info),
            _ => [], // any JSON value
        };
    }

    private JsonObject OfElement(JsonTypeInfo info) =>
        info.ElementType is { } element && element != typeof(object) && info.Options.TryGetTypeInfo(element, out JsonTypeInfo? shape) ? Of(shape) : [];

    private JsonObject Reference(JsonTypeInfo info)
    {
        string name = info.Type.Name;
        if (!components.ContainsKey(name))
        {
            components.Add(name, []); // first, since a shape may hold itself
            components[name] = Object(info);
        }

        return new JsonObject { ["$ref"] = "#/components/schemas/" + name };
    }

    private JsonObject Object(JsonTypeInfo info)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (JsonPropertyInfo property in info.Properties.Where(property => property.Get is not null))
        {
            // What a converter of ours writes is any JSON.
            bool isRaw = property.AttributeProvider?.IsDefined(typeof(JsonConverterAttribute), inherit: false) == true;
            JsonObject schema = !isRaw && info.Options.TryGetTypeInfo(property.PropertyType, out JsonTypeInfo? shape) ? Of(shape) : [];
            bool isOmittedWhenNull = property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: false)
                .OfType<JsonIgnoreAttribute>().Any(ignore => ignore.Condition == JsonIgnoreCondition.WhenWritingNull) == true;
            if (!isOmittedWhenNull)
                required.Add(property.Name);
            properties[property.Name] = !isOmittedWhenNull && MayBeNull(property) ? OrNull(schema) : schema;
        }

        var result = new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (required.Count > 0)
            result["required"] = required;
        return result;
    }

    private bool MayBeNull(JsonPropertyInfo property) =>
        Nullable.GetUnderlyingType(property.PropertyType) is not null
        || (property.AttributeProvider is PropertyInfo declared && !declared.PropertyType.IsValueType
            && nullability.Create(declared).ReadState == NullabilityState.Nullable);

    private static JsonObject OrNull(JsonObject schema)
    {
        if (schema["type"] is JsonValue type)
        {
            schema["type"] = new JsonArray(type.DeepClone(), "null");
            return schema;
        }

        return schema.Count == 0 ? schema : new JsonObject { ["anyOf"] = new JsonArray(schema, new JsonObject { ["type"] = "null" }) };
    }

    private static string? Simple(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.String => "string",
        TypeCode.Boolean => "boolean",
        TypeCode.Int32 or TypeCode.Int64 => "integer",
        TypeCode.Double => "number",
        _ => null,
    };
}
