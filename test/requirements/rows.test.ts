/**
 * Every requirement row that is said to be done has a test that cites its id, or a line in `test/README.md` that says
 * where its proof is or why it does not apply. The lists are of the rows that issues 3 to 6 own.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { describe, expect, it } from "vitest"

const folder = path.resolve(import.meta.dirname, "..")

const through = (prefix: string, from: number, to: number): ReadonlyArray<string> =>
  Array.from({ length: to - from + 1 }, (_, index) => `${prefix}-${String(from + index).padStart(2, "0")}`)

const named = (prefix: string, numbers: ReadonlyArray<number>): ReadonlyArray<string> =>
  numbers.flatMap((number) => through(prefix, number, number))

const owned: { readonly [system: string]: ReadonlyArray<string> } = {
  "S4, agent tasks": [...through("S4", 1, 57), ...through("S4x", 1, 25)],
  "S0, first wins and merges": [
    ...named("S0", [1, 2, 9, 10, 14, 24, 25, 26, 27, 33, 34, 44, 45, 48, 59, 60, 61, 72, 74, 79, 80, 83, 84, 86]),
    ...named("S0", [90, 91, 92, 96, 97, 98]),
    ...named("S0x", [1, 2, 3, 28])
  ],
  "S0, mailbox": [...named("S0", [51, 52, 53, 57]), ...named("S0x", [7, 8, 9, 10, 11])],
  "S1, task service": [...through("S1", 1, 83), ...through("S1x", 1, 40)],
  "S2, A2A agents": [...through("S2", 1, 73), ...through("S2x", 1, 15)],
  "S3, latency and checklist": named("S3", [5, 6, 7, 8, 14, 43, 44, 45, 46, 47, 48, 53, 56, 70]),
  "S3, waits, polls and wrappers": [
    ...named("S3", [18, 20, 21, 22, 23, 24, 25, 29, 30, 37, 38, 39, 40]),
    ...named("S3x", [1, 5, 7, 8, 13, 15, 16, 17, 18])
  ],
  "S3, the rule and what enforces it": named(
    "S3",
    [3, 4, 15, 16, 17, 19, 31, 37, 49, 50, 51, 52, 54, 55, 57, 58, 59, 69, 72, 73]
  )
}

const texts = fs
  .globSync("**/*.{ts,md}", { cwd: folder })
  .filter((file) => !file.startsWith("requirements"))
  .map((file) => fs.readFileSync(path.join(folder, file), "utf8"))
const cited = new Set(texts.flatMap((text) => text.match(/\bS\dx?-\d+\b/g) ?? []))

describe("requirement rows", () => {
  it.each(Object.entries(owned))("%s: each is cited by a test, or explained", (_, rows) => {
    expect(rows.filter((row) => !cited.has(row))).toEqual([])
  })
})
