"""What a room is made of: shapes, materials, colours, things, facts about them, wordings."""
