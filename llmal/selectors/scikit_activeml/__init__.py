"""The query strategies of scikit-activeml as selectors."""
