// The widget's line without a browser: reads orders from standard input, one JSON a line, and says what the page would show.
// node chat_line.js CHAT_JS ENDPOINT COOKIE ORIGIN EPOCH AFTER
"use strict";
const [chat, endpoint, cookie, origin, epoch, after] = process.argv.slice(2);
const {openLine} = require(chat);
const tell = data => process.stdout.write(JSON.stringify(data) + "\n");
const line = openLine({
  endpoint: endpoint,
  epoch: epoch,
  after: Number(after),
  fetch: (url, options) => fetch(url, Object.assign({}, options, {
    headers: Object.assign({Cookie: cookie, Origin: origin}, options.headers)
  })),
  setTimeout: (act, wait) => setTimeout(act, Math.min(wait, 200)),
  clearTimeout: timer => clearTimeout(timer),
  random: () => 0.1,
  show: entry => tell({show: entry}),
  clear: () => tell({clear: true}),
  sent: id => tell({sent: id}),
  refused: (words, text) => tell({refused: words.id, text: text}),
  line: state => tell({line: state}),
  trouble: text => tell({trouble: text})
});
require("readline").createInterface({input: process.stdin}).on("line", words => line.say(JSON.parse(words)))
  .on("close", () => process.exit(0));
