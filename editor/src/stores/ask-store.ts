/** A question to the person, as a promise of the answer. */
import { create } from "zustand";

export interface Choice<T extends string = string> {
  readonly value: T;
  readonly label: string;
  readonly tone?: "primary" | "danger";
}

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly choices: readonly Choice[];
  readonly answer: (value: string | undefined) => void;
}

export const useQuestion = create<{ readonly question: Question | undefined }>()(() => ({ question: undefined }));

/** The value of what was chosen; undefined when the question was closed. A second question closes the first. */
export function ask<T extends string>(
  title: string,
  text: string,
  choices: readonly Choice<T>[],
): Promise<T | undefined> {
  useQuestion.getState().question?.answer(undefined);
  return new Promise((resolve) => {
    const answer = (value: string | undefined) => {
      useQuestion.setState({ question: undefined });
      resolve(choices.find((choice) => choice.value === value)?.value);
    };
    useQuestion.setState({ question: { title, text, choices, answer } });
  });
}
