/**
 * The one place that touches `node:worker_threads`. Effect's own workers cannot
 * be used here: they wait five seconds, always, before they terminate a thread
 * that does not answer (measured 5,013 ms for `while (true) {}`), and cannot say
 * why. The module is looked up when the first thread starts, so that a bundle
 * for browsers stays whole. Tests provide threads of their own.
 */
import * as Context from "effect/Context"
import { workerBoot } from "./workerBoot.ts"

/** What a thread sends. */
export type FromThread =
  | { readonly _tag: "Sent"; readonly value: unknown }
  | { readonly _tag: "Done"; readonly value: unknown }
  /** It was told to stop, and did. */
  | { readonly _tag: "Stopped" }
  | { readonly _tag: "Failed"; readonly problem: Problem; readonly error: unknown }

type Problem = "not-started" | "threw" | "not-cloneable" | "exited"

export interface ThreadOptions {
  readonly script: string
  readonly input: unknown
  readonly name?: string | undefined
  readonly transfer?: ReadonlyArray<unknown> | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

export interface ThreadListener {
  readonly received: (message: FromThread) => void
  /** The thread has really ended; nothing comes after. */
  readonly exited: () => void
}

export interface Thread {
  /** Sends the reason, once. Also a loop that never yields can see it. */
  readonly tell: (reason: unknown) => void
  readonly terminate: () => void
}

/** Starts a thread; throws what Node throws, such as a `DataCloneError`. */
export type StartThread = (options: ThreadOptions, listener: ThreadListener) => Thread

export const Threads = Context.Reference<StartThread>("rescind/fibers/Threads", {
  defaultValue: () => startNodeThread
})

const startNodeThread: StartThread = (options, listener) => {
  const node = globalThis.process?.getBuiltinModule?.("node:worker_threads")
  if (node === undefined) throw new Error("Worker threads need Node.js 22.3 or newer, or a runtime that is like it")
  const asked = new SharedArrayBuffer(4)
  const { port1: port, port2 } = new node.MessageChannel()
  const { env, input, name, script } = options
  const worker = startedOrClosed(
    () =>
      new node.Worker(workerBoot, {
        eval: true,
        workerData: { script, input, asked, port: port2 },
        transferList: [port2, ...(options.transfer ?? [])] as Array<typeof port2>,
        ...(name === undefined ? {} : { name }),
        ...(env === undefined ? {} : { env })
      }),
    port
  )
  /** What was sent before, and has not been delivered yet, comes first. */
  const fail = (error: unknown) => {
    for (let last = node.receiveMessageOnPort(port); last !== undefined; last = node.receiveMessageOnPort(port)) {
      listener.received(last.message as FromThread)
    }
    listener.received({ _tag: "Failed", problem: "exited", error })
  }
  port.on("message", (message: FromThread) => listener.received(message))
  port.on("messageerror", (error) => listener.received({ _tag: "Failed", problem: "not-cloneable", error }))
  // Thrown outside of the function's promise, in a timer say.
  worker.on("error", fail)
  worker.on("exit", (code) => {
    fail(new Error(`The script ended with code ${code} before it returned`))
    port.close()
    listener.exited()
  })
  return {
    tell: (reason) => {
      port.postMessage(reason)
      const flag = new Int32Array(asked)
      Atomics.store(flag, 0, 1)
      Atomics.notify(flag, 0)
    },
    terminate: () => void worker.terminate()
  }
}

const startedOrClosed = <A>(start: () => A, port: { readonly close: () => void }): A => {
  // oxlint-disable-next-line repository/effect-only -- the channel must not stay open when the constructor throws
  try {
    return start()
  } catch (error) {
    port.close()
    throw error
  }
}
