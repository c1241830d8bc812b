"""The web page. The only room that draws."""
