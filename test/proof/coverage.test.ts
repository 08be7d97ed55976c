/** Nothing public is left out of the proofs without a reason, and nothing there is about something that is gone. */
import { existsSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import { allSubjects } from "./allSubjects.ts"
import { excuses, unprovable } from "./excuses.ts"
import { publicFunctions } from "./publicFunctions.ts"

const known = new Set(publicFunctions)
const covered = new Set(allSubjects.flatMap(({ covers }) => covers))
const proved = new Set(allSubjects.flatMap(({ laws }) => laws ?? []))

describe("the subjects of the proofs", () => {
  it("cover every public function, or say why not", () => {
    expect(publicFunctions.filter((name) => !covered.has(name) && !excuses.has(name))).toEqual([])
  })

  it("cover nothing that is not there", () => {
    expect([...covered].filter((name) => !known.has(name))).toEqual([])
  })

  it("have no excuse that is stale", () => {
    const stale = [...excuses].filter(([name, reason]) => {
      const [file] = /test\/\S+\.ts$/.exec(reason) ?? []
      return !known.has(name) || covered.has(name) || (file !== undefined && !existsSync(file))
    })
    expect(stale).toEqual([])
  })

  it("prove every law of the contract, or say why not", () => {
    const laws = Array.from({ length: 45 }, (_, index) => `K${index + 1}`)
    expect(laws.filter((law) => proved.has(law) === unprovable.has(law))).toEqual([])
  })

  it("name laws of the contract", () => {
    expect([...proved].filter((law) => !/^K([1-9]|[1-3]\d|4[0-5])$/.test(law))).toEqual([])
  })

  it("have names of their own", () => {
    const names = allSubjects.map(({ file, name }) => `${file}: ${name}`)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })
})
