/** The lists of mutants keep up with the code; what the mutants say of the tests, `npm run mutants` says. */
import * as fs from "node:fs"
import * as path from "node:path"
import { describe, expect, it } from "vitest"
import { apply } from "../../mutants/runner/apply.ts"
import { readLists, sample, select } from "../../mutants/runner/lists.ts"

const root = path.resolve(import.meta.dirname, "../..")
const lists = await readLists()
const mutants = lists.flatMap((list) => list.mutants)

describe("the lists of mutants", () => {
  it("every mutant applies exactly once and compiles", () => {
    const bad = mutants.flatMap((mutant) => {
      const file = path.join(root, mutant.file)
      if (!fs.existsSync(file)) return [`${mutant.name}: there is no ${mutant.file}`]
      const applied = apply(mutant, fs.readFileSync(file, "utf8"))
      return applied._tag === "Applied" ? [] : [`${mutant.name}: ${applied.why}`]
    })
    expect(bad).toEqual([])
  })

  it("every mutant names a row and tests that exist", () => {
    const bad = mutants.filter(
      ({ law, tests }) =>
        !law.split(" ").every((row) => /^(K\d+|S\dx?-\d+|D8)$/.test(row)) ||
        tests.length === 0 ||
        !tests.every((test) => fs.existsSync(path.join(root, test)))
    )
    expect(bad.map(({ name }) => name)).toEqual([])
  })

  it("names are unique", () => {
    const names = mutants.map(({ name }) => name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it("words select by law, name, file or topic", () => {
    const [first] = lists
    expect(select(lists, [])).toEqual(lists)
    expect(select(lists, [first!.topic])[0]).toEqual(first)
    expect(select(lists, ["no mutant has this"])).toEqual([])
    const law = select(lists, ["K1"]).flatMap((list) => list.mutants)
    expect(law.length).toBeGreaterThan(0)
    for (const mutant of law) expect(mutant.law.split(" ")).toContain("K1")
  })

  it("a sample has as many as asked for, the same for the same seed, in the order of the lists", () => {
    const drawn = (count: number, seed: number) => sample(lists, count, seed).flatMap((list) => list.mutants)
    const twenty = drawn(20, 7)
    expect(new Set(twenty).size).toBe(20)
    expect(drawn(20, 7)).toEqual(twenty)
    expect(drawn(20, 8)).not.toEqual(twenty)
    expect(mutants.filter((mutant) => twenty.includes(mutant))).toEqual(twenty)
    expect(drawn(mutants.length + 1, 7)).toEqual(mutants)
  })
})
