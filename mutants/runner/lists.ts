/** Finds the lists: every module in a folder beside `runner` exports `mutants`. */
import * as fs from "node:fs"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { randomFrom } from "../../src/testing/internal/random.ts"
import type { Mutant, MutantList } from "../Mutant.ts"

const home = path.resolve(import.meta.dirname, "..")

export const readLists = async (): Promise<ReadonlyArray<MutantList>> => {
  const folders = fs.readdirSync(home, { withFileTypes: true })
  const files = folders
    .filter((folder) => folder.isDirectory() && folder.name !== "runner")
    .flatMap(({ name }) => fs.readdirSync(path.join(home, name)).map((file) => `${name}/${file}`))
  return Promise.all(
    files.toSorted().map(async (file) => {
      const list = (await import(pathToFileURL(path.join(home, file)).href)) as { mutants: ReadonlyArray<Mutant> }
      return { topic: file.replace(/\.ts$/, ""), mutants: list.mutants }
    })
  )
}

/** Keeps mutants of which a word is the law, or part of the name, the file or the topic; all without words. */
export const select = (lists: ReadonlyArray<MutantList>, words: ReadonlyArray<string>): ReadonlyArray<MutantList> => {
  return lists
    .map(({ topic, mutants }) => ({
      topic,
      mutants: mutants.filter((mutant) => words.length === 0 || words.some((word) => matches(topic, mutant, word)))
    }))
    .filter(({ mutants }) => mutants.length > 0)
}

/** Keeps `count` of all, drawn at random: the same for the same seed. */
export const sample = (lists: ReadonlyArray<MutantList>, count: number, seed: number): ReadonlyArray<MutantList> => {
  const random = randomFrom(seed)
  const drawn = lists
    .flatMap(({ mutants }) => mutants)
    .map((mutant) => ({ mutant, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, count)
  const kept = new Set(drawn.map(({ mutant }) => mutant))
  return lists
    .map(({ topic, mutants }) => ({ topic, mutants: mutants.filter((mutant) => kept.has(mutant)) }))
    .filter(({ mutants }) => mutants.length > 0)
}

const matches = (topic: string, mutant: Mutant, word: string): boolean =>
  mutant.law.split(" ").includes(word) ||
  [topic, mutant.name, mutant.file].some((text) => text.toLowerCase().includes(word.toLowerCase()))
