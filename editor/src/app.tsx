export function App() {
  return <main>RayFlow</main>;
}
