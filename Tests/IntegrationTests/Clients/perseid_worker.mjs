// Runs the programs of perseid_client.mjs in a worker of Node, which has no page and no process of its own.
import { Worker } from "node:worker_threads";

const options = { argv: process.argv.slice(2), stdin: true };
const worker = new Worker(new URL("perseid_client.mjs", import.meta.url), options);
process.stdin.pipe(worker.stdin);
worker.on("exit", (code) => process.exit(code));
