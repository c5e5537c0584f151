// What programs in Node and Deno do with the client that nodes serve. The first argument is an object of JSON:
//
// nodes: addresses of two nodes, "a" and "b", that the test kills and starts when a line of output asks it to
// small: of one that keeps five publications of a channel;  guarded: of one that wants tokens, `token` is one of alice
// cases: which, if not all;  webSocket: whether there is to be one
//
// A line of output for each case: its name, what is wrong with it if anything is, and seconds.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import http from "node:http";
import { createInterface } from "node:readline";
import { isMainThread } from "node:worker_threads";

const facts = JSON.parse(process.argv[2]);
const replies = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// The file as it is served, and nothing else.
const served = await fetch(`${facts.nodes[0]}/perseid.mjs`);
await writeFile(facts.file, await served.text());
const { Perseid, PerseidError } = await import(facts.file);

const hasWebSocket = typeof WebSocket === "function";
assert.equal(hasWebSocket, facts.webSocket);
const transports = [...(hasWebSocket ? ["webSocket"] : []), "eventStream", "jsonStream", "longPoll"];
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function order(what, node) {
    console.log(JSON.stringify({ do: what, node }));
    assert.equal((await replies.next()).value, "done");
}

async function until(what, isTrue, milliseconds = 90e3) {
    for (const end = Date.now() + milliseconds; !(await isTrue()); await sleep(5)) {
        if (Date.now() > end) assert.fail(`not in time: ${what()}`);
    }
}

const clients = [];

/** What answers in a node's place: does with each request, the first is number 0, what it is told. Returns the address. */
async function stub(answer) {
    let count = 0;
    const server = http.createServer((request, response) => answer(request, response, count++));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = () => (server.closeAllConnections(), server.close());
    clients.push({ close });
    return `http://127.0.0.1:${server.address().port}`;
}

/** Writes messages as an event stream does. */
const events = (response, ...messages) => response.write(messages.map((each) => `data: ${JSON.stringify(each)}\n\n`).join(""));

/** A subscription with what it was told. */
class Reader {
    told = [];
    gaps = [];
    errors = [];
    states = [];
    isOpen = false;

    constructor(addresses, channel, options = {}, handlers = {}) {
        this.perseid = new Perseid(addresses, options);
        clients.push(this.perseid);
        this.perseid.addEventListener("state", ({ state, transport, node }) => this.states.push({ state, transport, node }));
        this.perseid.addEventListener("error", ({ error }) => this.errors.push(error));
        this.room = this.perseid.subscribe(channel, {
            onMessage: ({ data }) => this.told.push(data),
            onGap: (gap) => this.gaps.push(gap),
            onSubscribed: () => (this.isOpen = true),
            onError: (error) => this.errors.push(error),
            ...handlers,
        });
    }

    async opened() {
        await until(() => `open: ${JSON.stringify(this)}`, () => this.isOpen);
        return this;
    }

    async hears(...all) {
        await until(() => `${JSON.stringify(this.told)} is not ${JSON.stringify(all)}`, () => this.told.length >= all.length);
        assert.deepEqual(this.told, all);
    }
}

async function publish(channel, ...values) {
    const body = values.map((data) => JSON.stringify({ channel, data })).join("\n");
    for (const address of facts.nodes) {
        const response = await fetch(`${address}/publish`, { method: "POST", body }).catch(() => undefined);
        if (response?.ok) return (await response.text()).trim().split("\n").map((line) => JSON.parse(line).position);
    }
    assert.fail("no node takes it");
}

const cases = {
    async eachTransport() {
        for (const transport of transports) {
            const channel = `each/${transport}/ü`;
            const { perseid, room, told } = await new Reader(facts.nodes, channel, { transports: [transport] }).opened();
            const all = Array.from({ length: 300 }, (_, number) => ({ number }));
            const published = await Promise.all(all.map((data) => room.publish(data)));
            await until(() => told.length, () => told.length === 300);
            assert.deepEqual(told, all);
            assert.equal(perseid.transport, transport);
            const { messages, more } = await room.history({ limit: 2 });
            assert.deepEqual(messages.map(({ position }) => position), published.slice(-2).map(({ position }) => position));
            await room.publish(new Uint8Array([0, 128, 255]));
            await until(() => told.length, () => told.length === 301);
            assert.deepEqual([...told[300]], [0, 128, 255]);
            assert.deepEqual([...(await room.history({ limit: 1 })).messages[0].data], [0, 128, 255]);
            await assert.rejects(room.publish(undefined), (error) => error.code === 400);
            perseid.close();
        }
    },

    async killedNodes() {
        for (const transport of transports) {
            const reader = await new Reader(facts.nodes, "killed", { transports: [transport] }).opened();
            const other = await new Reader(facts.nodes, "killed/*", { transports: [transport] }).opened();
            const all = [];
            let isOver = false;
            const publishing = (async () => {
                for (let number = 0; !isOver; number++) {
                    // Of which nobody knows whether it was taken there comes one more.
                    const once = `${transport}-${number}`;
                    for (let node = 0; ; node = 1 - node) {
                        const body = ["killed", `killed/${number % 50}`].map((channel) => JSON.stringify({ channel, once, data: number })).join("\n");
                        const response = await fetch(`${facts.nodes[node]}/publish`, { method: "POST", body }).then((each) => each.text()).catch(() => "");
                        if (response.match(/"position"/g)?.length === 2) break;
                        await sleep(10);
                    }
                    all.push(number);
                    await sleep(5);
                }
            })();
            for (let kill = 0; kill < 2; kill++) {
                const had = reader.told.length;
                await until(() => "something", () => reader.told.length > had + 10 && other.told.length > 10 && reader.perseid.node !== undefined || transport === "longPoll" && reader.told.length > had + 10);
                const node = transport === "longPoll" ? kill : ["a", "b"].indexOf(reader.perseid.node);
                await order("kill", node);
                const after = reader.told.length;
                await until(() => `goes on: ${JSON.stringify(reader.states.slice(-5))}`, () => reader.told.length > after + 10);
                await order("start", node);
            }
            isOver = true;
            await publishing;
            await reader.hears(...all);
            await until(() => JSON.stringify([other.told.length, other.told.slice(-3), other.gaps, other.states, other.errors, reader.states]), () => other.told.length === all.length);
            // Each channel is in order; between them there is none.
            assert.deepEqual([...other.told].sort((one, two) => one - two), all);
            assert.deepEqual([reader.gaps, other.gaps], [[], []]);
            reader.perseid.close();
            other.perseid.close();
        }
    },

    async since() {
        const positions = await publish("since", 0, 1, 2, 3);
        for (const transport of transports) {
            const reader = await new Reader(facts.nodes, "since", { transports: [transport] }, { since: positions[1] }).opened();
            await reader.hears(2, 3);
            // A later one goes further back, and the first is told nothing twice.
            const told = [];
            reader.perseid.subscribe("since", { since: positions[0], onMessage: ({ data }) => told.push(data) });
            await until(() => JSON.stringify(told), () => told.length === 3);
            const now = [];
            reader.perseid.subscribe("since", { onMessage: ({ data }) => now.push(data) });
            await publish("since", 4);
            await until(() => JSON.stringify([told, now]), () => told.length === 4 && now.length === 1 && reader.told.length === 3);
            assert.deepEqual([reader.told, told, now], [[2, 3, 4], [1, 2, 3, 4], [4]]);
            reader.perseid.close();
            positions.length = 0;
            positions.push(...(await publish("since", 0, 1, 2, 3)));
        }
    },

    async gaps() {
        for (const transport of transports) {
            const channel = `gaps/${transport}`;
            const ask = (data) => fetch(`${facts.small}/channels/${encodeURIComponent(channel)}`, { method: "POST", body: data });
            const { position } = await (await ask("1")).json();
            for (let number = 2; number < 20; number++) await ask(`${number}`);
            const reader = await new Reader(facts.small, channel, { transports: [transport] }, { since: position }).opened();
            await until(() => JSON.stringify(reader), () => reader.told.length === 5 && reader.gaps.length === 1);
            assert.equal(reader.gaps[0].from, position);
            assert.deepEqual(reader.told, ["15", "16", "17", "18", "19"]);
            reader.perseid.close();
        }
    },

    async iterator() {
        const { perseid, room } = await new Reader(facts.nodes, "iterator").opened();
        const got = [];
        const reading = (async () => {
            for await (const { data } of room) {
                got.push(data);
                if (data === 2) break;
            }
            for await (const { data } of room) got.push(data);
        })();
        await publish("iterator", 0, 1, 2);
        await until(() => got, () => got.length === 3);
        await sleep(50);
        await publish("iterator", 3, 4);
        await until(() => got, () => got.length === 5);
        room.unsubscribe();
        await reading;
        assert.deepEqual(got, [0, 1, 2, 3, 4]);
        assert.equal(perseid.state, "closed");
    },

    async changes() {
        for (const transport of transports) {
            const { perseid, told } = await new Reader(facts.nodes, `one/${transport}`, { transports: [transport] }).opened();
            const more = [];
            let isOpen = false;
            const other = perseid.subscribe(`two/${transport}`, { onMessage: ({ data }) => more.push(data), onSubscribed: () => (isOpen = true) });
            await until(() => "open", () => isOpen);
            await publish(`one/${transport}`, 1);
            await publish(`two/${transport}`, 2);
            await until(() => JSON.stringify([told, more]), () => told.length === 1 && more.length === 1);
            other.unsubscribe();
            // A poll that is given up may be held by its node until its time is over; and Deno 2.9 now and then leaves the socket of a stream
            // open whose signal was aborted, so that its node does not see that it is over.
            const isSeen = transport === "webSocket" || transport !== "longPoll" && !globalThis.Deno;
            if (isSeen) await until(() => `${transport} left`, async () => (await (await fetch(`${facts.nodes[0]}/channels/two%2F${transport}`)).json()).subscribers === 0);
            await publish(`two/${transport}`, 3);
            await publish(`one/${transport}`, 4);
            await until(() => JSON.stringify(told), () => told.length === 2);
            assert.deepEqual([told, more], [[1, 4], [2]]);
            perseid.close();
        }
    },

    async presence() {
        const events = [];
        const reader = await new Reader(facts.nodes, "room/here", {}, { onPresence: ({ event, id }) => events.push({ event, id }) }).opened();
        await until(() => JSON.stringify(events), () => events.length >= 1);
        const { count, members } = await reader.room.presence();
        assert.equal(count, 1);
        const dead = reader.perseid.node;
        await order("kill", ["a", "b"].indexOf(dead));
        await until(() => JSON.stringify(reader.states), () => reader.perseid.state === "open" && reader.perseid.node !== dead);
        // The same member, for it is the same session.
        assert.deepEqual((await reader.room.presence()).members.map(({ id }) => id), members.map(({ id }) => id));
        await order("start", ["a", "b"].indexOf(dead));
        reader.perseid.close();
    },

    async rights() {
        const options = { token: facts.token };
        for (const transport of transports) {
            const reader = await new Reader(facts.guarded, "room/1", { ...options, transports: [transport] }).opened();
            const errors = [];
            reader.perseid.subscribe("vault", { onError: (error) => errors.push(error) });
            await until(() => "refused", () => errors.length > 0);
            assert.ok(errors[0] instanceof PerseidError && errors[0].code === 403, `${errors[0].code}`);
            await assert.rejects(reader.perseid.publish("vault", 1), ({ code }) => code === 403);
            const loop = async () => {
                for await (const message of reader.perseid.subscribe("vault")) assert.fail(JSON.stringify(message));
            };
            await assert.rejects(loop, ({ code, channel }) => code === 403 && channel === "vault");
            // One that is refused takes no other along.
            await reader.room.publish("still here");
            await reader.hears("still here");
            reader.perseid.close();
            const stranger = new Reader(facts.guarded, "room/1", { token: "none.such.token", transports: [transport] });
            await until(() => JSON.stringify(stranger.states), () => stranger.errors.length > 0 && stranger.perseid.state === "closed");
            assert.ok([401, 4011].includes(stranger.errors[0].code), `${stranger.errors[0].code}`);
            // One that can have another token asks for it, once.
            let count = 0;
            const token = async () => (count++ ? facts.token : "none.such.token");
            await new Reader(facts.guarded, "room/1", { token, transports: [transport] }).opened();
            assert.equal(count, 2);
        }
    },

    /** Who may not see who is present, or where that is not told, is told so, and reads on. */
    async noPresence() {
        const places = [
            [facts.guarded, "room/1", { token: facts.token }, 403],
            [facts.nodes[0], "plain", {}, 404],
        ];
        for (const [address, name, options, code] of places) {
            for (const transport of transports) {
                const channel = name === "plain" ? `plain/${transport}` : name;
                const events = [];
                const handlers = { onPresence: (event) => events.push(event) };
                const reader = await new Reader(address, channel, { ...options, transports: [transport] }, handlers).opened();
                await until(() => JSON.stringify(reader), () => reader.errors.length > 0);
                await reader.room.publish("still here");
                await reader.hears("still here");
                assert.deepEqual(reader.errors.map((error) => [error.code, error.channel]), [[code, `$presence/${channel}`]]);
                assert.deepEqual([events, reader.perseid.state], [[], "open"]);
                reader.perseid.close();
            }
        }
    },

    /** A key goes along with what is published, and comes along where a node tells one. */
    async keys() {
        const published = [];
        const server = http.createServer(async (request, response) => {
            let body = "";
            for await (const part of request) body += part;
            if (body) published.push(JSON.parse(body));
            if (body) return response.end('{"channel":"keys","position":"1-1"}\n');
            response.write('data: {"type":"welcome","node":"x"}\n\ndata: {"type":"subscribed","channel":"keys","position":"0-0"}\n\n');
            response.write('data: {"type":"message","channel":"keys","position":"1-1","data":1,"key":"EURUSD"}\n\n');
        });
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        const heard = [];
        const handlers = { onMessage: (message) => heard.push(message) };
        const options = { transports: ["eventStream"] };
        const reader = await new Reader(`http://127.0.0.1:${server.address().port}`, "keys", options, handlers).opened();
        await until(() => "a message", () => heard.length > 0);
        assert.deepEqual(heard, [{ channel: "keys", position: "1-1", data: 1, key: "EURUSD" }]);
        await reader.room.publish(2, { key: "EURUSD" });
        await reader.perseid.publish("keys", 3);
        assert.deepEqual(published.map(({ channel, data, key }) => [channel, data, key]), [["keys", 2, "EURUSD"], ["keys", 3, undefined]]);
        reader.perseid.close();
        server.closeAllConnections();
        server.close();
    },

    /** Who wants to be told so often is, by each transport, of what it subscribes to later, too. */
    async paced() {
        for (const transport of transports) {
            const reader = await new Reader(facts.nodes, `paced/${transport}`, { transports: [transport], maxRate: 1 }).opened();
            const later = [];
            let isOpen = false;
            const handlers = { onMessage: ({ data }) => later.push(data), onSubscribed: () => (isOpen = true) };
            reader.perseid.subscribe(`paced/later/${transport}`, handlers);
            await until(() => "the other is open", () => isOpen);
            const start = Date.now();
            for (const channel of [`paced/${transport}`, `paced/later/${transport}`]) for (const number of [1, 2, 3]) await publish(channel, number);
            await reader.hears(1, 2, 3);
            await until(() => `${later}`, () => later.length === 3);
            assert.ok(Date.now() - start >= 700, `${transport}: ${Date.now() - start} ms`);
            reader.perseid.close();
        }
    },

    async nobodyThere() {
        await order("kill", 0);
        await order("kill", 1);
        const reader = new Reader(facts.nodes, "nobody");
        const published = reader.room.publish("once");
        await until(() => JSON.stringify(reader), () => reader.errors.length > 0);
        assert.ok(reader.perseid.state !== "open", JSON.stringify(reader));
        await order("start", 0);
        await order("start", 1);
        await published;
        await reader.opened();
        await reader.room.publish("twice");
        await until(() => reader.told, () => reader.told.at(-1) === "twice");
        const { messages } = await reader.room.history();
        assert.deepEqual(messages.map(({ data }) => data), ["once", "twice"]);
        reader.perseid.close();
    },

    /** A proxy that is asked to wait by a date is not asked without a pause. */
    async dates() {
        const address = await stub((_, response) => response.writeHead(503, { "Retry-After": new Date().toUTCString() }).end());
        const { states } = new Reader(address, "dates", { transports: ["eventStream"] });
        await until(() => JSON.stringify(states), () => states.length > 3);
        assert.deepEqual(states.slice(0, 4).map(({ state }) => state), ["connecting", "waiting", "connecting", "waiting"]);
    },

    /** What one node does not take now is taken to another; a token that is not taken is replaced. */
    async willing() {
        const busy = await stub((_, response) => response.writeHead(503).end());
        const perseid = new Perseid([busy, facts.nodes[0]]);
        assert.equal((await perseid.publish("willing", 1)).channel, "willing");
        let count = 0;
        const token = async () => (count++ ? facts.token : "none.such.token");
        const guarded = new Perseid(facts.guarded, { token });
        await guarded.publish("room/willing", 1);
        assert.equal((await guarded.history("room/willing")).messages.length, 1);
        assert.equal(count, 2);
        const stranger = new Perseid(facts.guarded, { token: async () => "none.such.token" });
        await assert.rejects(stranger.publish("room/willing", 1), ({ code }) => code === 401);
        clients.push(perseid, guarded, stranger);
    },

    /** Who reads a channel again is told what comes from then on, also where it was a pattern's. */
    async anew() {
        for (const transport of transports) {
            const channel = `anew/${transport}`;
            const { perseid } = await new Reader(facts.nodes, `other/${transport}`, { transports: [transport] }).opened();
            const read = async (name) => {
                const told = [];
                let isOpen = false;
                const room = perseid.subscribe(name, { onMessage: ({ data }) => told.push(data), onSubscribed: () => (isOpen = true) });
                await until(() => name, () => isOpen);
                return [told, room];
            };
            const [first, pattern] = await read("anew/*");
            await publish(channel, 1);
            await until(() => `${first}`, () => first.includes(1));
            pattern.unsubscribe();
            await publish(channel, 2);
            const [second] = await read(channel);
            await publish(channel, 3);
            await until(() => `${second}`, () => second.includes(3));
            assert.deepEqual(second, [3]);
            perseid.close();
        }
    },

    /** What is given up while there is no connection is brought back neither by the session nor by the cursor. */
    async forgotten() {
        const targets = [];
        const address = await stub((request, response, number) => {
            targets.push(request.url);
            events(response, { type: "welcome", session: "s.t", node: "x" });
            if (number === 0) return response.end(`data: {"type":"subscribed","channel":"old","position":"5-0"}\n\n`);
        });
        const reader = new Reader(address, "old", { transports: ["eventStream"] });
        reader.perseid.addEventListener("state", ({ state }) => {
            if (state !== "waiting" || targets.length > 1) return;
            reader.room.unsubscribe();
            reader.perseid.subscribe("new");
        });
        await until(() => `${targets}`, () => targets.length > 1);
        assert.equal(targets[1], "/sse?channel=new");
    },

    /** A pattern of many channels costs no more than its cursor may have; and a loop that does not come for them, no more than it may hold. */
    async many() {
        const count = 40000;
        let cursor;
        const message = (number) => ({ type: "message", channel: `many/${number}`, position: `${number + 1}-0`, data: number });
        const address = await stub((request, response) => {
            cursor = new URL(request.url, "http://x").searchParams.get("cursor");
            events(response, { type: "welcome", node: "x" });
            // One that was given up before it was told anything is told all of it the next time.
            if (cursor) return;
            events(response, { type: "subscribed", channel: "many/*", position: "0-0" });
            events(response, ...Array.from({ length: count }, (_, number) => message(number)));
            response.end();
        });
        const reader = new Reader(address, "many/*", { transports: ["eventStream"] });
        const loop = reader.room[Symbol.asyncIterator]();
        const first = loop.next();
        await until(() => "a cursor", () => cursor);
        assert.ok(cursor.length <= 12288 && cursor.includes(`many%2F${count - 1}@`), cursor);
        assert.equal((await first).value.data, 0);
        let heldCount = 0;
        await assert.rejects(async () => {
            while (!(await loop.next()).done) heldCount++;
        }, ({ code }) => code === 4008);
        assert.ok(heldCount <= 10001, `${heldCount}`);
    },

    /** What is not a node, or lies, breaks nothing; the next address is as good. */
    async liars() {
        const answers = {
            "a page": (response) => response.end("<html>Log in to the hotel's network"),
            "no welcome": (response) => response.write(": hello\n\n"),
            "silence": () => {},
            "nonsense": (response) => {
                response.write('data: {"type":"welcome","node":"x"}\n\ndata: {"type":"publish","channel":"liars"}\n\n');
                response.write('{"type":"welcome","node":"x"}\n{"type":"end","channel":"liars"}\n');
                response.write('data: {"type":"message","channel":"liars","position":"1-1","data":"lie"}\n\ndata: 7\n\n{]\n');
                response.end();
            },
            "an error": (response) => response.writeHead(503, { "Retry-After": new Date().toUTCString() }).end('{"error":{"code":"x"}}'),
            "a refusal": (response) => response.writeHead(404).end(),
        };
        await Promise.all(Object.entries(answers).map(async ([name, answer]) => {
            const server = http.createServer((_, response) => answer(response));
            await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
            const address = `http://127.0.0.1:${server.address().port}`;
            const channel = `liars/${name}`;
            const reader = new Reader([address, facts.nodes[0]], channel);
            await reader.opened();
            reader.perseid.close();
            server.closeAllConnections();
            server.close();
        }));
    },
};

process.on("unhandledRejection", (error) => {
    console.log(JSON.stringify({ case: "unhandled", failure: String(error?.stack) }));
});

for (const [name, run] of Object.entries(cases)) {
    if (facts.cases?.length && !facts.cases.includes(name)) continue;
    const start = Date.now();
    const failure = await run().then(() => undefined, (error) => `${error.stack}`);
    clients.splice(0).forEach((client) => client.close());
    console.log(JSON.stringify({ case: name, failure, seconds: (Date.now() - start) / 1e3 }));
}
replies.return();
process.stdin.destroy();
// It ends by itself: no client that was closed keeps it. In Deno and in a worker its input would, which nobody closes.
if (globalThis.Deno || !isMainThread) process.stdout.write("\n", () => process.exit());
