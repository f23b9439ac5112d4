// Each scenario has the machine to itself: some measure time, all of them load it.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
