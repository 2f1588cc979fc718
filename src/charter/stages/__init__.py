"""The stages, a module each: `run(params, paths)` reads inputs, writes outputs, returns metrics."""
