/** The soaked process as the soak sees it. */
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Held } from "./soakServer.ts"

const path = fileURLToPath(new URL("soakServer.ts", import.meta.url))

export class SoakedServer {
  readonly port: number
  readonly #child: ChildProcess
  readonly #asked = new Map<
    number,
    { readonly resolve: (held: Held) => void; readonly reject: (error: Error) => void }
  >()
  #number = 0

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    child.on("message", ({ answer, error, number }: { number: number; answer?: Held; error?: string }) => {
      const asked = this.#asked.get(number)!
      this.#asked.delete(number)
      if (answer === undefined) asked.reject(new Error(`The server: ${error}`))
      else asked.resolve(answer)
    })
    child.once("exit", (code, signal) => {
      for (const { reject } of this.#asked.values()) reject(new Error(`The server ended with ${code ?? signal}`))
      this.#asked.clear()
    })
  }

  static start(): Promise<SoakedServer> {
    const child = fork(path, [], { execArgv: [] })
    return new Promise((resolve, reject) => {
      child.once("exit", (code, signal) => reject(new Error(`The server ended with ${code ?? signal}`)))
      child.once("message", ({ port }: { readonly port: number }) => resolve(new SoakedServer(child, port)))
    })
  }

  /** With `collect`, after a full collection. */
  held(collect = false): Promise<Held> {
    const number = this.#number++
    return new Promise((resolve, reject) => {
      this.#asked.set(number, { resolve, reject })
      this.#child.send({ number, collect })
    })
  }

  /** Also after it ended by itself. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return resolve()
      this.#child.once("exit", () => resolve())
      this.#child.disconnect()
    })
  }
}
