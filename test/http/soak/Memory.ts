/** What the soaked process held from second to second, and whether it grows. */
import type { Held } from "./soakServer.ts"

export class Memory {
  readonly #samples: Array<number> = []

  add({ rss }: Held): void {
    this.#samples.push(rss)
  }

  get megabytes(): ReadonlyArray<number> {
    return this.#samples.map((bytes) => Math.round(bytes / 1e6))
  }

  /** The slope of the last two thirds, in bytes a minute, by least squares; the first third is the growing up. */
  get slope(): number {
    const level = this.#samples.slice(Math.floor(this.#samples.length / 3))
    const middle = (level.length - 1) / 2
    const mean = this.mean
    let above = 0
    let below = 0
    for (const [index, bytes] of level.entries()) {
      above += (index - middle) * (bytes - mean)
      below += (index - middle) ** 2
    }
    return below === 0 ? 0 : (above / below) * 60
  }

  /** Of the same samples, in bytes. */
  get mean(): number {
    const level = this.#samples.slice(Math.floor(this.#samples.length / 3))
    return level.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, level.length)
  }
}
