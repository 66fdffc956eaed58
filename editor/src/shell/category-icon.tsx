import { Icon, isIcon } from "./icons.tsx";

export function CategoryIcon({ category }: { readonly category: string }) {
  return <Icon name={isIcon(category) ? category : "node"} />;
}
