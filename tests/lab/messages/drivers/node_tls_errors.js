// Loaded before a server by NODE_OPTIONS: it prints what Node hands to `tlsClientError`.
"use strict";
const tls = require("node:tls");
const emit = tls.Server.prototype.emit;
tls.Server.prototype.emit = function (name, error, ...more) {
  if (name === "tlsClientError") {
    console.error("tlsClientError", error);
  }
  return emit.call(this, name, error, ...more);
};
