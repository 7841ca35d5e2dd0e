"""Where a station's frames come from: folders, video devices and streams, GenICam cameras."""
