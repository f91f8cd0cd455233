"""What every measurement shares: intervals, reports, charts, options, processes that work side by side."""
