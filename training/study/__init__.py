"""The study's networks, trained, judged and compared as in the study: on whole photographs of two classes."""
