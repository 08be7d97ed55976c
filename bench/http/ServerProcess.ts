/** A contestant's process as the parent sees it. */
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { FanOutRun, Kind, Mode, Order, Usage } from "./Contestant.ts"

const path = fileURLToPath(new URL("contestantProcess.ts", import.meta.url))

type Message =
  | { readonly port: number }
  | { readonly number: number; readonly answer: unknown }
  | { readonly number: number; readonly error: string }

export class ServerProcess {
  readonly name: string
  readonly port: number
  readonly #child: ChildProcess
  readonly #asked = new Map<
    number,
    { readonly resolve: (answer: any) => void; readonly reject: (error: Error) => void }
  >()
  #number = 0

  private constructor(name: string, child: ChildProcess, port: number) {
    this.name = name
    this.port = port
    this.#child = child
    child.on("message", (message: Message) => {
      if (!("number" in message)) return
      const asked = this.#asked.get(message.number)!
      this.#asked.delete(message.number)
      if ("error" in message) asked.reject(new Error(`${name}: ${message.error}`))
      else asked.resolve(message.answer)
    })
    child.once("exit", (code, signal) => {
      for (const { reject } of this.#asked.values()) reject(new Error(`${name} ended with ${code ?? signal}`))
      this.#asked.clear()
    })
  }

  static start(kind: Kind, name: string): Promise<ServerProcess> {
    const child = fork(path, [kind, name], { execArgv: [], env: { ...process.env, NODE_ENV: "production" } })
    return new Promise((resolve, reject) => {
      child.once("exit", (code, signal) => reject(new Error(`${name} ended with ${code ?? signal}`)))
      child.once("message", (message: Message) => resolve(new ServerProcess(name, child, (message as any).port)))
    })
  }

  open(id: string): Promise<Pick<FanOutRun, "cancel" | "events">> {
    return this.#ask({ do: "open", id })
  }

  emit(count: number, mode: Mode): Promise<void> {
    return this.#ask({ do: "emit", count, mode })
  }

  usage(options?: { readonly collect: boolean }): Promise<Usage> {
    return this.#ask({ do: "usage", ...options })
  }

  /** Waits until nothing is left of what the round did. */
  async settled(): Promise<void> {
    for (let waited = 0; ; waited++) {
      const left = await this.#ask<number>({ do: "left" })
      if (left === 0) return
      if (waited > 500) throw new Error(`${this.name}: ${left} streams and tasks are left after the round`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once("exit", () => resolve())
      this.#child.disconnect()
    })
  }

  #ask<A>(order: Order): Promise<A> {
    const number = this.#number++
    return new Promise((resolve, reject) => {
      this.#asked.set(number, { resolve, reject })
      this.#child.send({ number, order })
    })
  }
}
