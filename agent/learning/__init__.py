"""When the student learns a room, or what all rooms taught; by which request; the child that trains."""
