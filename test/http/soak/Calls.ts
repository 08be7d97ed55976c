/** JSON calls over a few kept-alive connections, each of which does one at a time. */
import { JsonConnection } from "../../../bench/http/JsonConnection.ts"

export class Calls {
  readonly #free: Array<JsonConnection>
  readonly #waiting: Array<(connection: JsonConnection) => void> = []

  constructor(port: number, connections: number) {
    this.#free = Array.from({ length: connections }, () => new JsonConnection(port))
  }

  async post(path: string, body: unknown): Promise<{ readonly status: number; readonly json: any }> {
    const connection = this.#free.pop() ?? (await new Promise<JsonConnection>((resolve) => this.#waiting.push(resolve)))
    const { status, text } = await connection.post(path, JSON.stringify(body))
    const next = this.#waiting.shift()
    if (next === undefined) this.#free.push(connection)
    else next(connection)
    return { status, json: JSON.parse(text) }
  }

  /** When none is under way. */
  close(): void {
    for (const connection of this.#free) connection.close()
  }
}
