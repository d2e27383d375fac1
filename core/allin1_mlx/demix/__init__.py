"""From a mix to four stems: bass, drums, other, vocals."""
