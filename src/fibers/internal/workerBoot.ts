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
port.on("message", hear)
// Listening must not keep alive a thread that has nothing left to do.
port.unref()

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
const end = (message) => {
  try {
    port.postMessage(message)
  } catch (error) {
    port.postMessage({ _tag: "Failed", problem: "not-cloneable", error: errorOf(error) })
  }
}
run().then(end, (thrown) => {
  if (thrown?.name === "AbortError" && cancelRequested()) end({ _tag: "Stopped" })
  else end({ _tag: "Failed", problem, error: errorOf(thrown) })
})
`
