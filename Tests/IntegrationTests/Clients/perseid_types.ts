// What somebody writes in TypeScript with the client; it is checked against perseid.d.ts, and never run.
// @ts-types="../../../Sources/Edge/Resources/perseid.d.ts"
import Default, { Perseid, PerseidError, type Message } from "../../../Sources/Edge/Resources/perseid.mjs";
const perseid: Perseid = new Perseid(["https://a.example", new URL("https://b.example")], { token: async () => "t", transports: ["webSocket"], share: true, maxRate: 2 });
const room = perseid.subscribe<{ text: string }>("room/1", {
    onMessage: ({ data, position, key }) => console.log(data.text, position?.length, key?.length),
    onGap: ({ from, to }) => console.log(from, to),
    onPresence: ({ event, id }) => console.log(event === "join", id),
    onError: (error: PerseidError) => console.log(error.code, error.channel?.startsWith("$presence/")),
    since: "1-0",
});
const { position } = await room.publish({ text: "hello" }, { key: "k" });
await perseid.publish("a", 1, { key: "k" });
const { messages } = await room.history({ limit: 20 });
messages.map((each: Message<{ text: string }>) => each.data.text);
for await (const message of room) console.log(message.data.text, position);
perseid.addEventListener("state", (event) => console.log(event.state, event.node));
perseid.state satisfies "connecting" | "open" | "waiting" | "closed";
// @ts-expect-error a key is a text
await room.publish({ text: "x" }, { key: 1 });
console.log(Default === Perseid);
