"""Moving in time: the playhead, the sound and the video that follow it, and the camera."""
