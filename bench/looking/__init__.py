"""`roomwise bench look`: the mass of attention maps on the thing asked about, against chance."""
