"""`roomwise bench recognition`: whether rooms are recognised; `fitting` fits what recognises them."""
