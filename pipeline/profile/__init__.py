"""Where an inference's instructions go, layer by layer and by what they do: counted in the emulator."""
