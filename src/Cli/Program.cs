using Strongroom.Cli;

return (int)await StrongroomCommand.RunAsync(args, Shell.OfProcess());
