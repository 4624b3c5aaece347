"""What the architectures of a study do: the interface of a workload, the workloads themselves, and what they share."""
