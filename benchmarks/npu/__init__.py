"""What Vela makes of the benchmark networks: every Ethos-U target, how speed follows from SRAM, what choices give."""
