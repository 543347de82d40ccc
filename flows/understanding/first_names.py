"""First names common in the city: followed by another capitalised word they are probably a person's name.

Compiled by hand for this project. Names that are also words or places in a language of the residents are left out
(Rosa, Can, Deniz, Viktoria).
"""

from __future__ import annotations

from typing import Final

_LISTED: Final = """
Ada Adam Agnieszka Ahmad Ahmed Aisha Aleksander Aleksandra Alexander Alexandra Ali Alina Amina Amira Anastasia
Andrea Andreas Andrzej Angelika Anja Anke Anna Anne Annette Antje Anton Antonia Arda Ayşe Barbara Bärbel Beata
Bernd Bettina Birgit Brigitte Bülent Burak Carla Carsten Cem Charlotte Christa Christian Christiane Christina
Christine Christoph Clara Claudia Daniel Daniela David Detlef Dieter Dirk Dmitri Doris Dorothea Elena Elias
Elif Elisabeth Elke Ella Emil Emilia Emine Emma Emre Erika Esra Eva Ewa Fatima Fatma Felix Finn Florian Franz
Franziska Frieda Friedrich Gabriele Gerhard Gisela Grzegorz Günter Günther Gustav Hakan Hanna Hannah Hans Hasan
Hassan Hatice Heike Heinz Helena Helga Helmut Henri Herbert Horst Hülya Hüseyin Ibrahim Ingrid Irina Isabella Ivan
Iwan Jacek Jan Jana Jens Joachim Johann Johanna Johannes Jonas Jörg Josef Julia Julian Jürgen Jutta Karin Karl
Katarzyna Katharina Kathrin Katja Kemal Kerstin Khaled Klaus Krzysztof Laura Layla Lea Lena Leon Leonie Levin Lina
Lisa Luca Luisa Lukas Maciej Magdalena Małgorzata Manfred Manuela Marcin Marek Maria Marianne Marie Marina Mario
Marion Markus Marlene Martin Martina Mateusz Matteo Matthias Max Maximilian Mehmet Melanie Merve Mia Michael
Michaela Mila Mohamed Mohammad Mohammed Monika Murat Mustafa Nadine Natalia Nicole Nils Nina Noah Nour Oleksandr
Olena Olga Oliver Omar Oskar Osman Özlem Patrick Paul Paula Peter Petra Philipp Piotr Rainer Ralf Regina Renate
Robert Roland Rolf Sabine Samira Sandra Sarah Sascha Sebastian Selin Serkan Silke Silvia Simon Sina Sonja
Sophia Sophie Stefan Stefanie Stephan Susanne Svetlana Sven Swetlana Tanja Theo Thomas Thorsten Tim Tobias Tom
Tomasz Torsten Ulrich Ulrike Ursula Ute Uwe Vera Volker Waltraud Werner Wolfgang Yasemin Yusuf Yvonne Zeynep Zofia
"""
FIRST_NAMES: Final = tuple(_LISTED.split())
