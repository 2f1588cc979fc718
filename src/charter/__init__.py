"""Charter: from a document of values to an aligned, evaluated and registered language model."""

import logging

# On processors with AVX-512 for bfloat16 it advises to install kernels, whoever imports it.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
