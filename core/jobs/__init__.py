"""Jobs: the worker, the process that runs a job, and the lease that it holds."""
