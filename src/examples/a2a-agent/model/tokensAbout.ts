/** Sentences about some words, the same ones each time: what a language model would say that has nothing to say. */

const openings = ["It is often said of", "Nobody has asked", "There is much to be said about", "Take the case of"]
const middles = [
  "that it begins early",
  "that it ends when it is told to",
  "which holds no secrets",
  "and of its causes"
]
const closings = ["and so it goes on", "as everybody knows", "whatever comes of it", "until somebody says stop"]

/** As many tokens, each a word with the space before it. */
export const tokensAbout = (words: ReadonlyArray<string>, count: number): ReadonlyArray<string> => {
  const subjects = words.length === 0 ? ["nothing"] : words
  const tokens: Array<string> = []
  for (let sentence = seedOf(subjects); tokens.length < count; sentence++) {
    const subject = subjects[sentence % subjects.length]!
    const text = `${pick(openings, sentence)} ${subject} ${pick(middles, sentence >> 2)} ${pick(closings, sentence >> 4)}.`
    tokens.push(...text.split(" "))
  }
  return tokens.slice(0, count).map((token, index) => (index === 0 ? token : ` ${token}`))
}

const pick = (from: ReadonlyArray<string>, number: number): string => from[number % from.length]!

const seedOf = (words: ReadonlyArray<string>): number =>
  words
    .join(" ")
    .split("")
    .reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9973, 0)
