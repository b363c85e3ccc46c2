"""Pictures as values, drawn into a file of any format, or into one HTML page that shows numbers on hovering.

`charts` defines what can be drawn, `layout` says where its parts stand, `marks` and `draw` draw them, and `page` puts
drawings and words on a page. Nothing here depends on a model.
"""
