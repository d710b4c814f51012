"""The study's networks as the study judged them: whole photographs, two classes; trained, judged, held side by side."""
