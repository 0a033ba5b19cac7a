"""The page of `--web`: a terminal that fills the window and has the keyboard from the start.

textual-serve fills in `font_size`, and its script makes a terminal of the element `.textual-terminal`. Its own page
takes a font from another host, and keys reach its terminal after a click only.
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>promptetheus</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/static/css/xterm.css" />
    <style>
      @font-face {
        font-family: "Roboto Mono";
        src: url("/static/fonts/RobotoMono-VariableFont_wght.ttf");
        font-weight: 100 700;
      }
      html, body { margin: 0; height: 100%; overflow: hidden; background: #101216; color: #d7dae0; }
      .textual-terminal { width: 100vw; height: 100vh; }
      .xterm .xterm-viewport { overflow: hidden !important; scrollbar-width: none; }
      .note {
        position: absolute; inset: 0; z-index: 10; display: flex; flex-direction: column; gap: 1em;
        align-items: center; justify-content: center; font: 16px "Roboto Mono", monospace; background: #101216;
      }
      .note button { font: inherit; padding: 0.4em 1.2em; color: #ff8a3d; background: none; border: 1px solid; }
      body.-first-byte .beginning { display: none; }
      .ended, body.-closed .beginning { display: none; }
      body.-closed .ended { display: flex; }
    </style>
    <script>
      const host = location.host;
      addEventListener("DOMContentLoaded", () => {
        document.querySelector(".textual-terminal").dataset.sessionWebsocketUrl = `ws://${host}/ws`;
      });
      const takeKeys = () => document.querySelector(".xterm-helper-textarea")?.focus();
      addEventListener("load", () => setTimeout(takeKeys));
      addEventListener("focus", takeKeys);
    </script>
    <script src="/static/js/textual.js"></script>
  </head>
  <body>
    <div class="note beginning">promptetheus …</div>
    <div class="note ended">
      The program has ended.
      <button type="button" onclick="location.reload()">Open it again</button>
    </div>
    <div class="textual-terminal" data-font-size="{{ font_size }}"></div>
  </body>
</html>
"""
