import { useQuestion } from "../stores/ask-store.ts";
import { Dialog } from "./dialog.tsx";

export function QuestionDialog() {
  const { question } = useQuestion();
  if (question === undefined) return null;
  return (
    <Dialog
      title={question.title}
      size="small"
      onClose={() => question.answer(undefined)}
      footer={
        <>
          <button type="button" className="button" onClick={() => question.answer(undefined)}>
            Cancel
          </button>
          {question.choices.map(({ value, label, tone }) => (
            <button
              key={value}
              type="button"
              className={`button ${tone === undefined ? "" : `button-${tone}`}`}
              onClick={() => question.answer(value)}
            >
              {label}
            </button>
          ))}
        </>
      }
    >
      <p>{question.text}</p>
    </Dialog>
  );
}
