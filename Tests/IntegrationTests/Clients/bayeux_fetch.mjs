// Bayeux by hand, with Node's own fetch: node bayeux_fetch.mjs URL
// Prints "ok" where each exchange is what it must be.
import assert from "node:assert/strict";

const url = process.argv[2];
let id = 0;

async function post(messages, path = "", type = "application/json") {
  const body = type === "application/json" ? JSON.stringify(messages) : messages;
  const answer = await fetch(url + path, { method: "POST", headers: { "Content-Type": type }, body });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^application\/json/);
  return answer.json();
}

const [handshake] = await post(
  [{ id: ++id, channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["long-polling"] }], "/handshake");
assert.equal(handshake.successful, true);
const clientId = handshake.clientId;
const connect = () => ({ id: ++id, channel: "/meta/connect", clientId, connectionType: "long-polling" });

const [first] = await post([{ ...connect(), advice: { timeout: 0 } }], "/connect");
assert.deepEqual([first.successful, first.advice.reconnect], [true, "retry"]);

// Held elsewhere meanwhile, and answered with what is published.
let held = post([connect()], "/connect");
const [subscribed] = await post([{ id: ++id, channel: "/meta/subscribe", clientId, subscription: "/fetch/1" }]);
assert.deepEqual([subscribed.successful, subscribed.subscription], [true, "/fetch/1"]);
const form = "message=" + encodeURIComponent(JSON.stringify({ id: ++id, channel: "/fetch/1", clientId, data: { n: 1 } }));
const [published] = await post(form, "", "text/plain;charset=UTF-8");
assert.equal(published.successful, true);
let told = await held;
// A connect that another node held is released without news, and the next brings them.
while (!told.some((message) => message.channel === "/fetch/1")) told = await post([connect()], "/connect");
assert.deepEqual(told.filter((message) => message.channel === "/fetch/1"), [{ channel: "/fetch/1", data: { n: 1 } }]);

held = post([connect()], "/connect");
const [left] = await post([{ id: ++id, channel: "/meta/disconnect", clientId }], "/disconnect");
assert.equal(left.successful, true);
told = await held;
// It may have come to a node after the end, which knows of no such client.
assert.ok(["none", "handshake"].includes(told.at(-1).advice.reconnect));
console.log("ok");
