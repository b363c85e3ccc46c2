"""Pictures as values, drawn once: to a file by matplotlib, or with what hovering shows into one HTML page.

`charts` says what there is to draw, `draw` draws it, `page` puts drawings and words on a page. Nothing here knows a
model.
"""
