"""How YOLOv5s is trained."""
