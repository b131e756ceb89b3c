"""From text to what a GPU trainer memory-maps: encoders, file formats, packing, mixture, reader."""
