"""Pictures as values, drawn by matplotlib into a file, or into one HTML page that shows numbers on hovering.

`charts` defines what can be drawn, `draw` draws it, and `page` puts drawings and words on a page. Nothing here
depends on a model.
"""
