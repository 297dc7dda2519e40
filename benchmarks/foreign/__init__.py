"""Networks that others trained and quantised: imported, and compared with two runtimes on the original file."""
