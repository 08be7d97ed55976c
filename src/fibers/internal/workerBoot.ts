/**
 * What runs in the thread of a `KillableWorker` before the script: imports it,
 * calls its default function, and sends back how it ended. It is text, which
 * Node evaluates in the thread, because a file of its own would be lost when an
 * application is bundled. The messages are those of `workerThread.ts`.
 */
export const workerBoot = /* js */ `"use strict"
const { receiveMessageOnPort, workerData } = require("node:worker_threads")
const { script, input, port } = workerData
const asked = new Int32Array(workerData.asked)
const controller = new AbortController()
let reason

const hear = (told) => {
  if (reason !== undefined) return
  reason = told
  controller.abort(Object.assign(new Error(told.message), { name: "AbortError", reason: told }))
}
// This keeps the thread alive while the promise of the script is pending, whatever it waits for.
port.on("message", hear)

const cancelRequested = () => {
  if (Atomics.load(asked, 0) === 0) return false
  // A loop that polls never gets to its event loop, where the listener is.
  const received = reason === undefined ? receiveMessageOnPort(port) : undefined
  if (received !== undefined) hear(received.message)
  return true
}
const context = {
  signal: controller.signal,
  cancelRequested,
  get reason() {
    cancelRequested()
    return reason
  },
  throwIfCancelled: () => {
    if (cancelRequested()) throw controller.signal.reason
  },
  pause: (millis) => {
    Atomics.wait(asked, 0, 0, millis)
    return cancelRequested()
  },
  send: (value) => port.postMessage({ _tag: "Sent", value })
}

const errorOf = (thrown, depth = 0) => {
  if (!(thrown instanceof Error)) {
    try {
      return { thrown: structuredClone(thrown) }
    } catch {
      return { thrown: String(thrown) }
    }
  }
  const { cause, code, message, name, stack } = thrown
  return {
    name: String(name),
    message: String(message),
    stack,
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(cause === undefined || depth > 8 ? {} : { cause: errorOf(cause, depth + 1) })
  }
}

let problem = "not-started"
const run = async () => {
  if (cancelRequested()) return { _tag: "Stopped" }
  const main = (await import(script)).default
  if (typeof main !== "function") throw new TypeError("The script must export a function as default")
  problem = "threw"
  return { _tag: "Done", value: await main(input, context) }
}
// What was printed is on its way to the other thread, and would be lost with this one.
const printed = (stream) => new Promise((resolve) => stream.write("", resolve))
const end = async (message) => {
  await Promise.all([printed(process.stdout), printed(process.stderr)])
  try {
    port.postMessage(message)
  } catch (error) {
    port.postMessage({ _tag: "Failed", problem: "not-cloneable", error: errorOf(error) })
  }
}
run().then(end, (thrown) => {
  const stopped = thrown?.name === "AbortError" && cancelRequested()
  return end(stopped ? { _tag: "Stopped" } : { _tag: "Failed", problem, error: errorOf(thrown) })
})
`
