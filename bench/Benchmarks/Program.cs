using BenchmarkDotNet.Running;
using Strongroom.Benchmarks;
using Strongroom.Benchmarks.Indexes;
using Strongroom.Benchmarks.Requests;

if (args is ["requests"])
    await RequestThroughput.RunAsync();
else if (args is ["index", ..])
    await IndexScale.RunAsync(args[1..]);
else
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, new ShortRuns());
