"""How the face finder is trained."""
