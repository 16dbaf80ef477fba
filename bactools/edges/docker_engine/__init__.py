"""The Docker engine of this host, through Docker's own SDK: reached, asked for images, told to run containers."""
